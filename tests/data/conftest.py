"""What the tests of the readers share."""

import pytest


@pytest.fixture
def refused():
    """Assert that a call raises exactly this error, in one line that holds these words; return the message."""

    def check(error, call, *words):
        with pytest.raises(error) as caught:
            call()
        message = str(caught.value)
        assert caught.type is error
        assert "\n" not in message
        for word in words:
            assert str(word) in message
        return message

    return check
