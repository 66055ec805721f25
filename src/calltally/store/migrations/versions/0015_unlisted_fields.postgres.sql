-- Fields and end reasons of providers' callbacks that no page lists: a hint that a provider changed its payload.
CREATE TABLE unlisted_fields (
    tenant TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    callbacks BIGINT NOT NULL,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, provider, name)
);
