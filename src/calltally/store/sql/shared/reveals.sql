-- name: note_reveal!
INSERT INTO reveals (tenant, at_us, key_id, call_id) VALUES (:tenant, :at_us, :key_id, :call_id)
ON CONFLICT (tenant, at_us, key_id, call_id) DO NOTHING;

-- name: reveals_of_tenant
SELECT at_us, key_id, call_id FROM reveals WHERE tenant = :tenant
ORDER BY at_us DESC, key_id, call_id LIMIT :most;
