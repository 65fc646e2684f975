-- Entries: who has registered for an offer (a newsletter, an event) with a procedure that makes no tickets. Times are
-- milliseconds since 1970.

CREATE TABLE entries (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Random, 32 hexadecimal digits, as are registrations.
    entry_id        text NOT NULL UNIQUE,
    -- The form that it came with.
    registration_id text COLLATE "C" NOT NULL,
    procedure       text COLLATE "C" NOT NULL,
    offer           text COLLATE "C" NOT NULL,
    -- Tells persons apart within an offer: personal.
    person_key      text COLLATE "C" NOT NULL,
    -- Free of spelling: personal.
    email_key       text COLLATE "C" NOT NULL,
    -- pending, confirmed
    state           text COLLATE "C" NOT NULL,
    -- Object of texts: personal.
    fields          text COLLATE "C" NOT NULL,
    consented_at_ms bigint NOT NULL,
    confirmed_at_ms bigint,
    -- When it is gone unless it is confirmed; NULL once it is.
    expires_at_ms   bigint,
    -- When a mail about it was last asked for.
    told_at_ms      bigint NOT NULL,
    UNIQUE (procedure, offer, person_key)
);
CREATE INDEX entries_by_registration ON entries (registration_id);
CREATE INDEX entries_by_email ON entries (email_key, procedure);
CREATE INDEX entries_by_expiry ON entries (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- Mails about entries that wait: to whoever registered, or to a department about an offer.
CREATE TABLE entry_mails (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- registration, reminder
    kind          text COLLATE "C" NOT NULL,
    -- The registration, or the offer.
    subject       text COLLATE "C" NOT NULL,
    -- Counts the news, so that the same ones have the same Message-ID.
    edition       bigint NOT NULL,
    procedure     text COLLATE "C" NOT NULL,
    -- Empty for reminders: personal.
    email_key     text COLLATE "C" NOT NULL,
    recipient     text COLLATE "C" NOT NULL,
    not_before_ms bigint NOT NULL DEFAULT 0,
    attempts      bigint NOT NULL DEFAULT 0,
    error         text,
    UNIQUE (kind, procedure, subject)
);
CREATE INDEX entry_mails_by_email ON entry_mails (email_key);

-- What became of offers; what is left of one whose entries were erased is a count.
CREATE TABLE entry_offers (
    procedure      text COLLATE "C" NOT NULL,
    offer          text COLLATE "C" NOT NULL,
    reminded_at_ms bigint,
    exported_at_ms bigint,
    erased         bigint NOT NULL DEFAULT 0,
    erased_at_ms   bigint,
    PRIMARY KEY (procedure, offer)
);
