-- Days (UTC) whose roll-ups stand in those of several days, while nothing of them changes: what does takes them out of here.
-- Those are rows of `quality`, by how many days from a multiple of as many on: grains 11 to 15 of 2 to 32 days by route,
-- provider and direction; 21 to 25 by all keys; 30 to 35 of 1 to 32 by all but the route. Such a row counts only where all of its
-- days are in here.
CREATE TABLE quality_closed (
    tenant TEXT COLLATE "C" NOT NULL,
    day_s BIGINT NOT NULL,
    PRIMARY KEY (tenant, day_s)
);
