"""The doctor looks at what is needed, and at nothing else."""

from __future__ import annotations

from importlib import metadata

import pytest

from flowdenoise.engine import doctor


def test_each_needed_package_is_looked_at_and_a_missing_one_is_no_sound_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    required = ["torch>=2.6", "no-such-package>=1", "bm3d>=4.0; extra == 'bm3d'"]
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    findings = {finding.what: finding for finding in doctor.examine_packages()}
    assert list(findings) == ["torch", "no-such-package"]
    assert findings["torch"].fine
    assert not findings["no-such-package"].fine
