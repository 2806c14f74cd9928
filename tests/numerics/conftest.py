"""Property tests draw the same examples on every machine and every day, and are not timed on a busy one."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=5000, deadline=None)  # pytest --hypothesis-profile=search
if settings.get_current_profile_name() == "default":
    settings.load_profile("steady")
