-- The newest successful sign-in seen in the sign-in log.
ALTER TABLE guests ADD COLUMN logged_in_at TEXT;
