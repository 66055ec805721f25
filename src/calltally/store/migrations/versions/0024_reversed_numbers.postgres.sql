-- Numbers by their last nine digits, the last one first: a search steps through the numbers with one ending. Entries of one
-- number are stored together, so that the indexes stay small.
CREATE INDEX calls_from_reversed ON calls (
    tenant, reverse(right(translate(from_number, ' ().-/', ''), 9)), from_number
) WHERE from_number IS NOT NULL;
CREATE INDEX calls_to_reversed ON calls (
    tenant, reverse(right(translate(to_number, ' ().-/', ''), 9)), to_number
) WHERE to_number IS NOT NULL;
