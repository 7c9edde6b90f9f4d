"""The benchmark's variants of propagation change what they say, and only while they run."""

from dataclasses import replace

import pytest

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.propagation import PropagationRequest
from Testing.benchmarks.propagation_variants import VARIANTS, Variant


def test_a_variant_sets_members_of_the_request():
    asked = []
    variant = Variant("v", lambda source, request: asked.append(request) or (), request={"farthest_mm": 7.0})
    assert list(variant(None, PropagationRequest(Orientation.CORONAL, {}, 2, 5))) == []
    assert (asked[0].farthest_mm, asked[0].orientation, asked[0].last) == (7.0, Orientation.CORONAL, 5)


def test_a_variant_replaces_a_part_while_it_runs_and_puts_it_back():
    from SAMSegmentLib.propagation import request as module

    original = module.overlap

    def see(source, request):
        yield module.overlap

    variant = Variant("v", see, patches={"propagation.request.overlap": "replaced"})
    assert list(variant(None, PropagationRequest(Orientation.AXIAL, {}, 0, 1))) == ["replaced"]
    assert module.overlap is original


def test_a_part_that_does_not_exist_is_an_error_not_a_variant_without_effect():
    variant = Variant("v", lambda source, request: (), patches={"propagation.request.no_such_part": 1})
    with pytest.raises(AttributeError):
        list(variant(None, PropagationRequest(Orientation.AXIAL, {}, 0, 1)))


def test_what_the_listed_variants_replace_exists():
    for variant in VARIANTS.values():
        changed = replace(variant, propagator=lambda source, request: ())
        assert list(changed(None, PropagationRequest(Orientation.AXIAL, {}, 0, 1))) == []
