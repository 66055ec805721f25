"""Operations over whole tenants: erasure, refold, key rotation, new epoch."""
