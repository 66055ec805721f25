-- Fields and end reasons of providers' callbacks that no page lists: a hint that a provider changed its payload.
CREATE TABLE unlisted_fields (
    tenant TEXT NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    callbacks INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, provider, name)
) STRICT, WITHOUT ROWID;
