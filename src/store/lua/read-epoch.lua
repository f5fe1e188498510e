-- Tells which epoch this server is in, and whether it is a master.
--
-- Returns  { epoch, role }
return { epoch() }
