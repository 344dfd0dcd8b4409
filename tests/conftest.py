"""What every test may lean on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A shared machine stalls now and then; a slow example is no failure. Examples are derandomised: same commit, same cases.
settings.register_profile("zador", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zador")
