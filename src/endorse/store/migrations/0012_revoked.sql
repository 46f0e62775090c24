-- What the desk, in another process, ended with its phone: each server looks here once a second.

CREATE INDEX journeys_revoked ON journeys (claimed_at)
    WHERE state = 'killed' AND reason = 'phone_revoked';
