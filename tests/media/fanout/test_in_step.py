"""Many sockets on one log: everybody gets the same bytes, nobody waits for anybody."""

from oxbow.media.fanout import OWN_LIMIT, Cohort

from .conftest import HEAD, SMALL, Connect, Stage, drain, enter


class TestInStep:
    """The ordinary case."""

    def test_a_viewer_begins_with_the_head_and_the_last_keyframe(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.log.page.set_head(HEAD)
        stage.second()
        last = stage.second()
        client = connect(greeting=b"HTTP/1.1 200 OK\r\n\r\n")
        assert enter(cohort, client)
        assert client.read() == b"HTTP/1.1 200 OK\r\n\r\n" + HEAD + last
        assert len(cohort) == 1

    def test_before_the_first_keyframe_nobody_is_let_in(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        client = connect(greeting=b"hello")
        assert not cohort.join(client.viewer)
        assert (len(cohort), client.read()) == (0, b"")

    def test_from_then_on_everybody_gets_every_byte_once(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second()
        clients = [connect() for _ in range(5)]
        for client in clients:
            enter(cohort, client)
        for _ in range(3):
            expected += stage.second()
            cohort.push()
            cohort.push()  # nothing new: nothing happens
        assert [client.read() for client in clients] == [expected] * 5
        assert cohort.shares.sent_bytes == 5 * len(expected)

    def test_one_who_joins_between_two_ticks_is_in_step_with_the_others(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        first = stage.second()
        early, late = connect(), connect()
        enter(cohort, early)
        second = stage.second()
        cohort.join(late.viewer)
        third = stage.second()
        cohort.push()
        assert early.read() == first + second + third
        assert late.read() == second + third

    def test_who_leaves_gets_nothing_more(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second()
        stays, leaves = connect(), connect()
        for client in (stays, leaves):
            enter(cohort, client)
            client.read()
        cohort.leave(leaves.viewer)
        cohort.leave(leaves.viewer)
        expected = stage.second()
        cohort.push()
        assert (stays.read(), leaves.read(), len(cohort)) == (expected, b"", 1)

    def test_who_disconnects_is_noticed_at_the_next_tick_and_harms_nobody(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        clients = [connect() for _ in range(3)]
        for client in clients:
            enter(cohort, client)
            client.read()
        clients[1].vanish()
        expected = stage.second()
        cohort.push()
        assert [client.gone for client in clients] == [[], ["disconnected"], []]
        assert clients[0].read() == clients[2].read() == expected
        assert cohort.totals.dropped == 0, "that is no failure of ours"

    def test_one_who_vanishes_while_being_let_in(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        client.vanish()
        enter(cohort, client)
        assert (client.gone, len(cohort)) == (["disconnected"], 0)


class TestOwnBytes:
    """What one viewer alone is told, such as the answer to its ping."""

    def test_in_step_they_go_out_at_once(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second()
        client, other = connect(), connect()
        for each in (client, other):
            enter(cohort, each)
            each.read()
        cohort.say(client.viewer, b"pong")
        assert client.read() == b"pong"
        expected = stage.second()
        cohort.push()
        assert client.read() == other.read() == expected

    def test_a_laggard_gets_them_between_two_messages(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        cohort.say(slow.viewer, b"pong")
        drain(cohort, slow)
        assert slow.received == expected + b"pong"

    def test_what_was_not_sent_yet_when_the_stream_goes_on_comes_first(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        first = stage.second()
        slow = connect(SMALL)
        enter(cohort, slow)
        drain(cohort, slow)
        own = bytes(range(256)) * 200
        cohort.say(slow.viewer, own)
        second = stage.second(size=8000)
        cohort.push()
        cohort.say(slow.viewer, b"and more")
        drain(cohort, slow)
        assert slow.received == first + own + second + b"and more"

    def test_one_that_asks_and_never_reads_is_dropped(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second(size=8000)
        greedy = connect(SMALL)
        enter(cohort, greedy)
        cohort.say(greedy.viewer, bytes(OWN_LIMIT))
        assert greedy.gone == []
        cohort.say(greedy.viewer, b"x")
        assert (greedy.gone, len(cohort)) == (["too_slow"], 0)

    def test_too_much_at_once_costs_nothing_of_the_stream(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        enter(cohort, client)
        cohort.say(client.viewer, bytes(OWN_LIMIT + 1))
        assert client.gone == ["too_slow"]
        assert cohort.totals.skipped_bytes == 0


class TestEnd:
    """The stream is over, or somebody ends it."""

    def test_who_has_it_all_leaves_and_laggards_get_the_rest_first(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow, fine = connect(SMALL), connect()
        for client in (slow, fine):
            enter(cohort, client)
        cohort.finish()
        assert (slow.gone, fine.gone) == ([], ["ended"])
        drain(cohort, slow, others=len(expected))
        cohort.finish()
        assert (slow.gone, bytes(slow.received)) == (["ended"], expected)

    def test_what_was_appended_last_goes_out_before_the_end(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        enter(cohort, client)
        stage.second()
        cohort.finish()
        assert client.gone == []
        cohort.push()
        cohort.finish()
        assert client.gone == ["ended"]

    def test_whoever_is_dismissed_leaves_now(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second(size=8000)
        slow, fine = connect(SMALL), connect()
        for client in (slow, fine):
            enter(cohort, client)
        cohort.dismiss("disabled")
        assert slow.gone == fine.gone == ["disabled"]
        assert len(cohort) == 0
        before = cohort.shares.sent_bytes
        stage.second()
        cohort.push()
        assert cohort.shares.sent_bytes == before

    def test_a_handler_may_leave_while_it_is_told(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        """A session closes its connection, which leaves the cohort."""
        stage.second()
        client = connect()
        enter(cohort, client)
        client.viewer_gone = lambda viewer, reason: cohort.leave(viewer)  # type: ignore[method-assign]
        cohort.dismiss("disabled")
        enter(cohort, client)
        client.vanish()
        stage.second()
        cohort.push()
        assert len(cohort) == 0
