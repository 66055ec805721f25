-- name: meta_index_names
-- Indexes of this database.
SELECT name FROM sqlite_master WHERE type = 'index';

-- name: meta_database_bytes
-- Size of the file with its free pages.
SELECT (c.page_count * s.page_size) FROM pragma_page_count AS c CROSS JOIN pragma_page_size AS s;
