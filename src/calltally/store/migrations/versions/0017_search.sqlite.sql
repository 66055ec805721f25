-- The digits of a call's numbers, and the last four of them. The columns take no space: only their indexes store them.
ALTER TABLE calls ADD COLUMN from_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(from_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL;
ALTER TABLE calls ADD COLUMN from_ending TEXT GENERATED ALWAYS AS (substr(from_digits, -4)) VIRTUAL;
ALTER TABLE calls ADD COLUMN to_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(to_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL;
ALTER TABLE calls ADD COLUMN to_ending TEXT GENERATED ALWAYS AS (substr(to_digits, -4)) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN from_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(from_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN from_ending TEXT GENERATED ALWAYS AS (substr(from_digits, -4)) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN to_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(to_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN to_ending TEXT GENERATED ALWAYS AS (substr(to_digits, -4)) VIRTUAL;
-- In the order of time, so that a page reads its own rows alone. Older numbers of a caller are rare: versions need no index.
CREATE INDEX calls_from_ending ON calls (tenant, from_ending, created_us, id, from_digits) WHERE from_ending IS NOT NULL;
-- With the caller's digits, so that a call with one number at both ends is counted once.
CREATE INDEX calls_to_ending ON calls (tenant, to_ending, created_us, id, to_digits, from_digits) WHERE to_ending IS NOT NULL;
-- The country whose national numbers a search reads, as two letters of ISO 3166-1; null for none.
ALTER TABLE tenants ADD COLUMN default_country TEXT;
-- For searches by the beginning of a SID.
CREATE INDEX calls_of_sid ON calls (tenant, call_sid);
CREATE INDEX identities_of_sid ON identities (tenant, call_sid);
