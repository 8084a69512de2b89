"""`make bench`: the whole suite under load on private servers, with the raw limits of the machine beside it."""

import warnings

# README.md says once what eventlet's announcement means; every process need not repeat it.
warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")
