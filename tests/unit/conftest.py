"""Examples take as long as a shared machine needs: how long is for the benchmarks to say."""

from hypothesis import settings

settings.register_profile("scanway", deadline=None)
settings.load_profile("scanway")
