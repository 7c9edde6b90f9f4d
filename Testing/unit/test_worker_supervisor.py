"""When a worker process is given up, replaced or left alone: with a clock and a process that the test controls."""

from types import SimpleNamespace

import pytest

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.worker import supervisor as module
from SAMSegmentLib.worker.launch import Ended
from SAMSegmentLib.worker.messages import Done, Failed, Heartbeat, Ready
from SAMSegmentLib.worker.supervisor import Supervisor

READY = Ready("builtin", "0" * 64, "float32")


class Process:
    """What the supervisor sees of a worker process."""

    def __init__(self, number):
        self.pid = number
        self.last_lines = ["loading", "the last line"]
        self.says = []
        self.killed = self.closed = False

    def received(self):
        while self.says:
            yield self.says.pop(0)

    def send(self, message):
        pass

    def kill(self):
        self.killed = True

    def close(self):
        self.closed = True


class Scene:
    """A supervisor whose host polls every 5 ms."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.started = []
        self.told = []
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(module, "WorkerProcess", self._start)
        self.supervisor = Supervisor(lambda _process: None, self.told.append)

    def _start(self):
        self.started.append(Process(len(self.started) + 1))
        return self.started[-1]

    def say(self, *messages):
        self.started[-1].says += messages

    def crash(self):
        """The process ends, and another one is started if it may be at once."""
        self.say(Ended("exit code 3"))
        self.poll()
        self.poll()

    def poll(self):
        self.now += 0.005
        return list(self.supervisor.poll())

    def poll_for(self, seconds, saying=()):
        """Poll, with the process saying something each quarter of a second."""
        end = self.now + seconds
        beat = self.now
        while self.now < end:
            if saying and self.now >= beat:
                self.say(*saying)
                beat += 0.25
            self.poll()


@pytest.fixture
def scene(monkeypatch):
    scene = Scene(monkeypatch)
    scene.supervisor.start()
    return scene


def test_a_failure_told_before_the_end_is_final_and_no_crash(scene):
    scene.say(Failed(None, "ModelUnavailableError", "The model is gone."), Ended("it ended with exit code 0"))
    for message in scene.supervisor.poll():
        scene.supervisor.give_up(EngineError(message.text))
    scene.poll_for(10)
    assert len(scene.started) == 1
    assert scene.told == []
    assert str(scene.supervisor.failure) == "The model is gone."


def test_what_a_distrusted_process_said_after_that_counts_no_more(scene):
    scene.say(Done(1), Done(2), Ended("it was ended by signal 9"))
    heard = []
    for message in scene.supervisor.poll():
        heard.append(message.id)
        scene.supervisor.distrust("a mask of another size")
    assert heard == [1]
    assert scene.started[0].killed
    scene.poll()
    assert len(scene.started) == 2
    assert len(scene.told) == 1


def test_it_is_started_again_at_once_then_after_a_pause_then_not_any_more(scene):
    starts = []
    for seconds in (0.01, 0.4, 0.2, 5):
        if scene.supervisor.pid is not None:
            scene.say(Ended("exit code 3"))
        scene.poll()
        scene.poll_for(seconds)
        starts.append(len(scene.started))
    assert starts == [2, 2, 3, 3]
    assert "failed 3 times in a row (exit code 3)" in str(scene.supervisor.failure)
    assert str(scene.supervisor.failure).endswith("loading | the last line")


def test_success_between_crashes_makes_them_count_from_zero(scene):
    for _ in range(10):
        scene.crash()
        scene.supervisor.trust()
    assert scene.supervisor.failure is None
    assert len(scene.started) == 11


def test_after_giving_up_a_retry_has_all_its_attempts_again(scene):
    for attempts in (3, 6):
        while scene.supervisor.failure is None:
            scene.say(Ended("exit code 3"))
            scene.poll_for(0.6)
        assert len(scene.started) == attempts
        scene.supervisor.retry()
        assert scene.supervisor.failure is None


def test_silence_is_noticed_within_2_seconds_of_the_last_sign_of_life(scene):
    scene.say(READY)
    scene.poll_for(10, saying=[Heartbeat()])
    assert len(scene.started) == 1
    scene.poll_for(2)
    assert scene.started[0].killed
    assert "did not answer" in scene.told[0]
    assert len(scene.started) == 2


def test_while_it_loads_it_may_be_silent_for_longer(scene):
    scene.poll_for(60)
    assert len(scene.started) == 1
    scene.poll_for(61)
    assert scene.started[0].killed


def test_a_host_that_did_not_look_for_a_while_listens_again_before_it_judges(scene):
    scene.say(READY)
    scene.poll()
    scene.now += 30
    scene.poll()
    scene.poll_for(1)
    assert len(scene.started) == 1
    scene.poll_for(1)
    assert scene.started[0].killed


def test_closing_while_a_restart_is_due_starts_nothing(scene):
    for _ in range(2):
        scene.crash()
    scene.supervisor.close()
    scene.poll_for(5)
    assert len(scene.started) == 2
