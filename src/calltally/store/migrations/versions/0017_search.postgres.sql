-- Numbers by their last four digits, in the order of time, so that a page reads its own rows alone.
CREATE INDEX calls_from_ending ON calls (
    tenant, right(translate(from_number, ' ().-/', ''), 4), created_us, id
) INCLUDE (from_number) WHERE from_number IS NOT NULL;
CREATE INDEX calls_to_ending ON calls (
    tenant, right(translate(to_number, ' ().-/', ''), 4), created_us, id
) INCLUDE (to_number, from_number) WHERE to_number IS NOT NULL;
-- The country whose national numbers a search reads, as two letters of ISO 3166-1; null for none.
ALTER TABLE tenants ADD COLUMN default_country TEXT COLLATE "C";
-- For searches by the beginning of a SID.
CREATE INDEX calls_of_sid ON calls (tenant, call_sid);
CREATE INDEX identities_of_sid ON identities (tenant, call_sid);
