"""What holds for every test: property tests have no deadline, for a busy machine is no fault of the code."""

from hypothesis import settings

settings.register_profile("polku", deadline=None)
settings.load_profile("polku")
