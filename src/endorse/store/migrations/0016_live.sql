-- Programs from schema 12 on work with it.
--
-- What a person's phones hold is looked up at each claim: not among all that the person did in a
-- day. What they tried is counted from the index alone.
CREATE INDEX journeys_live ON journeys (person_id) WHERE state IN ('claimed', 'matched', 'review');
CREATE INDEX journeys_asked ON journeys (person_id) WHERE way = 'asked';
DROP INDEX journeys_person;
CREATE INDEX tries_counted ON tries (person_id, at, kind);
DROP INDEX tries_person;
