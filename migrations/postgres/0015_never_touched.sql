-- What keeps a guest from ever being touched, or for as long as it lasts.

-- In a restricted management administrative unit; NULL where Graph did not say.
ALTER TABLE guests ADD COLUMN management_restricted BOOLEAN;
-- Running access reviews that decide on the guest and act by themselves; NULL until they were read.
ALTER TABLE guest_access ADD COLUMN reviews TEXT;
-- Groups that the guest was found to be the only owner of; NULL until somebody looked.
ALTER TABLE guest_access ADD COLUMN sole_owner_of TEXT;
-- Groups of the policy's exempt_groups that the guest is in, however deeply; NULL until they were read.
ALTER TABLE guest_access ADD COLUMN exempt_by TEXT;
