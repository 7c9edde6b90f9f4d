"""What the worker does next: who waits for a mask comes first, what somebody looks at second, the rest after that."""

import pytest

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.worker.messages import Predict
from SAMSegmentLib.worker.scheduler import Answering, Encoding, Propagating, Scheduler

AXIAL, SAGITTAL, CORONAL = Orientation.AXIAL, Orientation.SAGITTAL, Orientation.CORONAL
COUNTS = {AXIAL: 100, SAGITTAL: 50, CORONAL: 50}


class Desk:
    """A scheduler, and the slices that its worker has encoded; as many as its cache holds are remembered."""

    def __init__(self, batch=1, remembers=True):
        self.encoded = []
        self.remembers = remembers
        self.scheduler = Scheduler(COUNTS, lambda key: self.remembers and key in self.encoded, batch)

    def work(self):
        """Do the next unit of work as a worker would; what it was."""
        work = self.scheduler.next()
        if isinstance(work, Encoding):
            self.encoded += work.slices
            self.scheduler.finish_encoding()
            if work.sweep is not None and not work.slices:
                self.scheduler.finish(work.sweep)
        return work

    def all_work(self, at_most=1000):
        done = []
        while (work := self.work()) is not None:
            done.append(work)
            assert len(done) <= at_most, "work without end"
        return done

    def encoding_order(self, at_most=1000):
        return [index for work in self.all_work(at_most) for _, index in work.slices]


@pytest.fixture
def desk():
    return Desk()


def prediction(number, index=0, slot=None, orientation=AXIAL):
    return Predict(id=number, orientation=orientation.value, index=index, points=[], boxes=[], slot=slot)


def test_a_prompt_comes_before_propagation_before_what_is_looked_at_before_the_rest(desk):
    desk.scheduler.add_sweep(1, AXIAL, 0, 99)
    desk.scheduler.focus(AXIAL, 40)
    desk.scheduler.add_propagation(2)
    desk.scheduler.add_prediction(prediction(3, index=7))
    kinds = [desk.work(), desk.work()]
    assert kinds == [Answering(prediction(3, index=7)), Propagating(2)]
    desk.scheduler.finish(2)
    assert desk.work() == Encoding(((AXIAL, 40),))
    assert [desk.work().slices[0][1] for _ in range(6)] == [41, 42, 43, 44, 39, 38]
    assert desk.work() == Encoding(((AXIAL, 37),), sweep=1)


def test_a_prompt_that_comes_during_background_work_is_the_next_unit(desk):
    desk.scheduler.add_sweep(1, AXIAL, 0, 99)
    for _ in range(10):
        desk.work()
    desk.scheduler.add_prediction(prediction(2, index=90))
    assert desk.work() == Answering(prediction(2, index=90))


def test_with_nothing_to_do_there_is_no_work(desk):
    assert desk.work() is None


class TestPredictions:
    def test_encoded_slices_are_answered_in_the_order_of_the_clicks(self, desk):
        desk.encoded += [(AXIAL, 5), (AXIAL, 6)]
        for number, index in [(1, 5), (2, 6), (3, 5)]:
            desk.scheduler.add_prediction(prediction(number, index))
        assert [desk.work().request.id for _ in range(3)] == [1, 2, 3]

    def test_those_that_need_no_encoding_do_not_wait_for_those_that_do(self, desk):
        desk.encoded.append((AXIAL, 6))
        desk.scheduler.add_prediction(prediction(1, 5))
        desk.scheduler.add_prediction(prediction(2, 6))
        assert [desk.work().request.id for _ in range(2)] == [2, 1]

    def test_of_those_that_need_encoding_the_newest_is_first(self, desk):
        for number in (1, 2, 3):
            desk.scheduler.add_prediction(prediction(number, index=number))
        assert [desk.work().request.id for _ in range(3)] == [3, 2, 1]

    def test_a_preview_that_is_asked_for_without_end_does_not_keep_a_click_waiting(self, desk):
        desk.encoded.append((AXIAL, 6))
        desk.scheduler.add_prediction(prediction(1, 5))
        for number in range(2, 20):
            desk.scheduler.add_prediction(prediction(number, 6, slot="preview"))
            if desk.work().request.id == 1:
                break
        else:
            pytest.fail("the click was never answered")

    def test_the_newest_in_a_slot_replaces_those_that_wait(self, desk):
        for number, slot in [(1, "drag"), (2, "other"), (3, "drag"), (4, None), (5, "drag"), (6, None)]:
            desk.scheduler.add_prediction(prediction(number, slot=slot))
        assert sorted(work.request.id for work in desk.all_work()) == [2, 4, 5, 6]


class TestEncodingInSteps:
    """A slice that is begun comes again until it is finished; what is asked for meanwhile comes between its steps."""

    @pytest.fixture
    def scheduler(self, desk):
        """With axial slice 0 begun, of a sweep over all slices."""
        desk.encoded += [(AXIAL, 50)]
        desk.scheduler.add_sweep(1, AXIAL, 0, 99)
        assert desk.scheduler.next() == self.BEGUN
        return desk.scheduler

    BEGUN = Encoding(((AXIAL, 0),), sweep=1)

    def test_it_goes_on_until_it_is_finished(self, scheduler):
        assert [scheduler.next() for _ in range(3)] == [self.BEGUN] * 3
        scheduler.finish_encoding()
        assert scheduler.next() == Encoding(((AXIAL, 1),), sweep=1)

    @pytest.mark.parametrize("index", [50, 70])
    def test_a_prediction_elsewhere_comes_between_two_steps(self, scheduler, index):
        scheduler.add_prediction(prediction(2, index))
        assert [scheduler.next() for _ in range(2)] == [Answering(prediction(2, index)), self.BEGUN]

    def test_a_prediction_on_that_very_slice_waits_for_its_end(self, scheduler):
        scheduler.add_prediction(prediction(2, index=0))
        assert scheduler.next() == self.BEGUN
        scheduler.add_prediction(prediction(3, index=50))
        assert [scheduler.next() for _ in range(2)] == [Answering(prediction(3, index=50)), self.BEGUN]
        scheduler.finish_encoding()
        assert scheduler.next() == Answering(prediction(2, index=0))

    def test_propagation_and_what_is_looked_at_wait_for_its_end(self, scheduler):
        scheduler.add_propagation(2)
        scheduler.focus(AXIAL, 40)
        assert scheduler.next() == self.BEGUN
        scheduler.finish_encoding()
        assert scheduler.next() == Propagating(2)

    def test_a_preview_that_is_asked_for_without_end_does_not_stop_it(self, scheduler):
        for number in range(2, 20):
            scheduler.add_prediction(prediction(number, 50, slot="preview"))
            if scheduler.next() == self.BEGUN:
                break
        else:
            pytest.fail("the encoding never went on")
        assert isinstance(scheduler.next(), Answering)

    def test_a_preview_that_is_asked_for_without_end_does_not_keep_the_next_slice_from_its_turn(self, scheduler):
        scheduler.finish_encoding()
        works = []
        for number in range(2, 20):
            scheduler.add_prediction(prediction(number, 50, slot="preview"))
            works.append(scheduler.next())
        assert Encoding(((AXIAL, 1),), sweep=1) in works

    def test_a_preview_without_end_is_answered_where_all_else_is_paused(self, scheduler):
        scheduler.finish_encoding()
        scheduler.paused = True
        for number in range(2, 40):
            scheduler.add_prediction(prediction(number, 50, slot="preview"))
            assert scheduler.next() == Answering(prediction(number, 50, slot="preview"))

    def test_a_pause_lets_it_end_and_begins_nothing(self, scheduler):
        scheduler.paused = True
        assert scheduler.next() == self.BEGUN
        scheduler.finish_encoding()
        assert scheduler.next() is None

    def test_cancelling_its_sweep_drops_it(self, scheduler):
        scheduler.cancel(1)
        assert scheduler.next() is None


class TestFocus:
    def test_after_scrolling_40_slices_the_last_is_next(self, desk):
        for index in range(10, 50):
            desk.scheduler.focus(AXIAL, index)
        assert desk.work() == Encoding(((AXIAL, 49),))

    def test_scrolling_while_encoding_finishes_at_most_one_stale_slice(self, desk):
        desk.scheduler.add_sweep(1, AXIAL, 0, 99)
        desk.scheduler.focus(AXIAL, 10)
        under_way = desk.work()
        for index in range(11, 51):
            desk.scheduler.focus(AXIAL, index)
        assert under_way.slices == ((AXIAL, 10),)
        assert desk.encoding_order()[:5] == [50, 51, 52, 53, 54]

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ([30], [30, 31, 32, 33, 34, 29, 28]),
            ([30, 29], [29, 28, 27, 26, 25, 30, 31]),
            ([0], [0, 1, 2, 3, 4]),
            ([98, 99], [99, 98, 97]),
            ([99, 0], [0, 1, 2]),
            ([30, 29, 29], [29, 28, 27, 26, 25, 30, 31]),  # looked at again on the way down
        ],
    )
    def test_neighbours_follow_onward_first_and_within_the_volume(self, desk, path, expected):
        for index in path:
            desk.scheduler.focus(AXIAL, index)
        assert desk.encoding_order() == expected

    def test_all_views_are_served_before_any_neighbours_the_last_touched_first(self, desk):
        for orientation in Orientation:
            desk.scheduler.focus(orientation, 20)
        first = [desk.work().slices[0] for _ in range(4)]
        assert first[:3] == [(orientation, 20) for orientation in reversed(list(Orientation))]
        assert first[3] == (list(Orientation)[-1], 21)

    def test_a_slice_that_does_not_exist_is_no_work(self, desk):
        desk.scheduler.focus(SAGITTAL, 1000)
        assert desk.work() is None

    def test_what_is_encoded_is_not_encoded_again(self, desk):
        desk.encoded += [(AXIAL, index) for index in (30, 31, 29)]
        desk.scheduler.focus(AXIAL, 30)
        assert [desk.work().slices[0][1] for _ in range(2)] == [32, 33]


class TestSweep:
    def test_it_goes_outward_from_where_the_user_looks(self, desk):
        desk.scheduler.focus(AXIAL, 20)
        desk.all_work()
        desk.scheduler.add_sweep(1, AXIAL, 10, 28)
        assert desk.encoding_order() == [17, 16, 15, 25, 14, 26, 13, 27, 12, 28, 11, 10]

    def test_without_a_focus_it_goes_upward(self, desk):
        desk.scheduler.add_sweep(1, AXIAL, 3, 8)
        assert desk.encoding_order() == [3, 4, 5, 6, 7, 8]

    def test_its_end_is_told_once_and_what_is_left_counts_down(self, desk):
        desk.scheduler.add_sweep(7, AXIAL, 0, 2)
        left = []
        while (work := desk.work()).slices:
            left.append(desk.scheduler.remaining(7))
        assert left == [2, 1, 0]
        assert work == Encoding((), sweep=7)
        assert desk.work() is None

    def test_one_whose_slices_are_all_encoded_ends_at_once(self, desk):
        desk.encoded += [(AXIAL, index) for index in range(10)]
        desk.scheduler.add_sweep(1, AXIAL, 0, 9)
        assert desk.all_work() == [Encoding((), sweep=1)]

    def test_sweeps_come_one_after_the_other(self, desk):
        desk.scheduler.add_sweep(1, AXIAL, 0, 1)
        desk.scheduler.add_sweep(2, CORONAL, 0, 1)
        assert [work.sweep for work in desk.all_work()] == [1, 1, 1, 2, 2, 2]

    def test_only_sweeps_are_encoded_in_batches(self):
        desk = Desk(batch=4)
        desk.scheduler.add_sweep(1, AXIAL, 0, 9)
        desk.scheduler.focus(AXIAL, 50)
        sizes = [(work.sweep, len(work.slices)) for work in desk.all_work()]
        assert sizes == [(None, 1)] * 7 + [(1, 4), (1, 4), (1, 2), (1, 0)]

    def test_a_smaller_batch_holds_from_the_next_unit_on(self):
        desk = Desk(batch=4)
        desk.scheduler.add_sweep(1, AXIAL, 0, 9)
        desk.work()
        desk.scheduler.batch = 1
        assert [len(work.slices) for work in desk.all_work()] == [1] * 6 + [0]


class TestSmallCache:
    """Nothing is ever remembered: each slice is still encoded once, not for ever."""

    def test_sweep_and_focus_make_no_endless_work(self):
        desk = Desk(remembers=False)
        desk.scheduler.add_sweep(1, AXIAL, 0, 99)
        for index in (10, 11, 12):
            desk.scheduler.focus(AXIAL, index)
        order = desk.encoding_order(at_most=108)
        assert sorted(set(order)) == list(range(100))
        assert len(order) == 100 + 7  # 12 and its neighbours are met again by the sweep

    def test_focussing_the_same_slice_again_encodes_it_again_once(self):
        desk = Desk(remembers=False)
        desk.scheduler.focus(AXIAL, 10)
        desk.all_work(at_most=7)
        desk.scheduler.focus(AXIAL, 10)
        assert desk.work().slices == ((AXIAL, 10),)


class TestPauseAndCancel:
    def test_a_pause_stops_what_nobody_waits_for_and_nothing_else(self, desk):
        desk.scheduler.add_sweep(1, AXIAL, 0, 9)
        desk.scheduler.focus(AXIAL, 50)
        desk.scheduler.paused = True
        assert desk.work() is None
        desk.scheduler.add_propagation(2)
        desk.scheduler.add_prediction(prediction(3))
        assert isinstance(desk.work(), Answering)
        assert desk.work() == Propagating(2)
        desk.scheduler.finish(2)
        assert desk.work() is None
        desk.scheduler.paused = False
        assert desk.work() == Encoding(((AXIAL, 50),))

    def test_what_is_cancelled_is_not_done(self, desk):
        desk.scheduler.add_prediction(prediction(1, 5))
        desk.scheduler.add_propagation(2)
        desk.scheduler.add_sweep(3, AXIAL, 0, 9)
        desk.scheduler.add_prediction(prediction(4, 6))
        for number in (1, 2, 3, 99):
            desk.scheduler.cancel(number)
        assert desk.all_work() == [Answering(prediction(4, 6))]

    def test_a_sweep_cancelled_halfway_leaves_the_other_one_running(self, desk):
        desk.scheduler.add_sweep(1, AXIAL, 0, 9)
        desk.scheduler.add_sweep(2, CORONAL, 0, 1)
        desk.work()
        desk.scheduler.cancel(1)
        assert [work.sweep for work in desk.all_work()] == [2, 2, 2]
