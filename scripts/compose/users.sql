-- The user table of the development set-up, with one user who has no data yet.
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email varchar(320) NOT NULL UNIQUE,
  "ownIdData" text
);

INSERT INTO users (email) VALUES ('sol@testmail.com');
