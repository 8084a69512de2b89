"""`make bench`: the whole suite under load on private servers, with the raw limits of the machine beside it."""
