-- The last nine digits of a call's numbers, the last one first. The columns take no space: only the indexes store them.
ALTER TABLE calls ADD COLUMN from_reversed TEXT GENERATED ALWAYS AS (
    substr(from_digits, -1, 1) || substr(from_digits, -2, 1) || substr(from_digits, -3, 1) || substr(from_digits, -4, 1) || substr(from_digits, -5, 1)
    || substr(from_digits, -6, 1) || substr(from_digits, -7, 1) || substr(from_digits, -8, 1) || substr(from_digits, -9, 1)
) VIRTUAL;
ALTER TABLE calls ADD COLUMN to_reversed TEXT GENERATED ALWAYS AS (
    substr(to_digits, -1, 1) || substr(to_digits, -2, 1) || substr(to_digits, -3, 1) || substr(to_digits, -4, 1) || substr(to_digits, -5, 1)
    || substr(to_digits, -6, 1) || substr(to_digits, -7, 1) || substr(to_digits, -8, 1) || substr(to_digits, -9, 1)
) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN from_reversed TEXT GENERATED ALWAYS AS (
    substr(from_digits, -1, 1) || substr(from_digits, -2, 1) || substr(from_digits, -3, 1) || substr(from_digits, -4, 1) || substr(from_digits, -5, 1)
    || substr(from_digits, -6, 1) || substr(from_digits, -7, 1) || substr(from_digits, -8, 1) || substr(from_digits, -9, 1)
) VIRTUAL;
ALTER TABLE call_versions ADD COLUMN to_reversed TEXT GENERATED ALWAYS AS (
    substr(to_digits, -1, 1) || substr(to_digits, -2, 1) || substr(to_digits, -3, 1) || substr(to_digits, -4, 1) || substr(to_digits, -5, 1)
    || substr(to_digits, -6, 1) || substr(to_digits, -7, 1) || substr(to_digits, -8, 1) || substr(to_digits, -9, 1)
) VIRTUAL;
-- Numbers with one ending follow each other, each in the order of time: a search steps from number to number.
DROP INDEX calls_from;
CREATE INDEX calls_from ON calls (tenant, from_reversed, from_number, created_us, id) WHERE from_number IS NOT NULL;
-- With the caller, so that a call with one number at both ends is counted once.
DROP INDEX calls_to;
CREATE INDEX calls_to ON calls (tenant, to_reversed, to_number, created_us, id, from_number) WHERE to_number IS NOT NULL;
