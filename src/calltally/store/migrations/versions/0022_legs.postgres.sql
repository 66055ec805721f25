-- The parent of a call, for the filter of its legs. In `call_versions` it is empty for none, and null if it was not recorded.
ALTER TABLE calls ADD COLUMN parent_call_sid TEXT COLLATE "C";
ALTER TABLE call_versions ADD COLUMN parent_call_sid TEXT COLLATE "C";
UPDATE calls SET parent_call_sid = convert_from(record, 'UTF8')::json ->> 'parent_call_sid'
WHERE position('"parent_call_sid":"'::bytea IN record) > 0;
-- Small, since few calls are legs. In the order of time, so that a page reads its own rows alone.
CREATE INDEX calls_of_parent ON calls (tenant, parent_call_sid, created_us, id) WHERE parent_call_sid IS NOT NULL;
-- By the last change. With what sorts and addresses a page, so that only the rows of the page are read.
CREATE INDEX calls_updated ON calls (tenant, updated_us, created_us, id);
