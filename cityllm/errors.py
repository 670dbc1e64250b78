"""The whole exception tree. Inner code raises these; the edge turns them into words.

CityLLMError                    code, message in Chinese and English, next step
├── ConfigError                 config            a setting is wrong or unknown
├── CorpusError                 corpus
│   ├── UnreadableFile          corpus.unreadable a file cannot be read; names file, page, remedy
│   ├── InstrumentNotFound      corpus.instrument no instrument of that title is held
│   ├── ArticleNotFound         corpus.article    the instrument has no such article
│   └── NotHeld                 corpus.not_held   the wording in force on that date is not held
│       └── NotInForce          corpus.not_in_force   on that date it was not yet, or no longer, law
├── ModelError                  model
│   ├── ModelUnavailable        model.unavailable no weights, no endpoint, or it died
│   └── ModelTimeout            model.timeout     it did not answer in time
├── ReviewError                 review            a petition cannot be taken or decided like that
├── PolicyError                 policy
│   ├── PolicyFileError         policy.file       a rule file is wrong; names file, line, key
│   ├── DraftError          policy.draft      a draft is not ready to be published, or by whom
│   ├── PolicyNotFound          policy.unknown    no policy of that id is held
│   ├── EnterpriseError         policy.enterprise a field of an enterprise has a wrong value
│   └── EnterpriseNotFound      policy.enterprise_unknown   the registry has none of that id
├── AccessError                 access            who may sign in, and where
│   ├── KeyNeeded               access.key        no API key, or none that is known
│   ├── ScopeMissing            access.scope      the key may not do this
│   └── TooManyRequests         access.rate       the key's rate is used up; says when to go on
├── RequestError                request           a call of the API that cannot be answered
│   ├── RequestInvalid          request.invalid   a parameter or the body; names field and allowed
│   ├── RequestTooLarge         request.size      more bytes or more enterprises than one call takes
│   └── RepeatConflict          request.repeat    an idempotency key that was used for another call
└── ToolProblem                 tool              the call can be mended: told to the model
"""

from __future__ import annotations

from collections.abc import Sequence


class CityLLMError(Exception):
    """Base of all. `zh` and `en` are whole sentences for a user, the next step included."""

    code = "error"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh = zh
        self.en = en


class ConfigError(CityLLMError):
    """A setting has a value that is not allowed, or is unknown."""

    code = "config"


class CorpusError(CityLLMError):
    """Something about the regulations held."""

    code = "corpus"


class UnreadableFile(CorpusError):
    """A file (or one page of it) cannot be read; the import goes on with the next."""

    code = "corpus.unreadable"


class InstrumentNotFound(CorpusError):
    """No instrument of that title is held."""

    code = "corpus.instrument"


class ArticleNotFound(CorpusError):
    """The instrument is held but has no such article."""

    code = "corpus.article"


class NotHeld(CorpusError):
    """The instrument existed on that date; its wording then is not held."""

    code = "corpus.not_held"


class NotInForce(NotHeld):
    """The instrument was not yet in force on that date, or no longer."""

    code = "corpus.not_in_force"


class ModelError(CityLLMError):
    """Something about the engine."""

    code = "model"


class ModelUnavailable(ModelError):
    """No weights, no endpoint, or the engine died in the middle of an answer."""

    code = "model.unavailable"


class ModelTimeout(ModelError):
    """The engine did not answer in time."""

    code = "model.timeout"


class ReviewError(CityLLMError):
    """A petition is somebody else's at the moment, was changed, or may not be decided like that."""

    code = "review"


class PolicyError(CityLLMError):
    """Something about policies and the enterprises that they are for."""

    code = "policy"


class PolicyFileError(PolicyError):
    """A rule file is wrong: file, line, key, what is allowed."""

    code = "policy.file"


class DraftError(PolicyError):
    """A draft may not be published: something is open, a fixture fails, or the persons are one."""

    code = "policy.draft"


class PolicyNotFound(PolicyError):
    """No policy of that id is held."""

    code = "policy.unknown"


class EnterpriseError(PolicyError):
    """A field of an enterprise is unknown or has a wrong value.

    `field` is the one at fault, `allowed` what may stand there, `nearest` the known names that an
    unknown one may have meant, for a machine to read.
    """

    code = "policy.enterprise"

    def __init__(self, zh: str, en: str, *, field: str = "", allowed: str = "",
                 nearest: Sequence[str] = ()) -> None:
        super().__init__(zh, en)
        self.field, self.allowed, self.nearest = field, allowed, tuple(nearest)


class EnterpriseNotFound(PolicyError):
    """The registry holds no enterprise of that id."""

    code = "policy.enterprise_unknown"


class AccessError(CityLLMError):
    """Wrong name or password, a missing role, or an address that needs accounts."""

    code = "access"


class KeyNeeded(AccessError):
    """No API key came with the request, or none that is known."""

    code = "access.key"


class ScopeMissing(AccessError):
    """The key is known and may not do this."""

    code = "access.scope"


class TooManyRequests(AccessError):
    """The rate of a key is used up; `wait` seconds until the next request is taken."""

    code = "access.rate"

    def __init__(self, zh: str, en: str, wait: float) -> None:
        super().__init__(zh, en)
        self.wait = wait


class RequestError(CityLLMError):
    """A call of the API that cannot be answered as it came."""

    code = "request"


class RequestInvalid(RequestError):
    """A parameter or a part of the body is wrong: `field` is the one at fault, `allowed` what may
    stand there, `nearest` known names that an unknown one may have meant."""

    code = "request.invalid"

    def __init__(self, zh: str, en: str, *, field: str, allowed: str = "",
                 nearest: Sequence[str] = ()) -> None:
        super().__init__(zh, en)
        self.field, self.allowed, self.nearest = field, allowed, tuple(nearest)


class RequestTooLarge(RequestError):
    """More bytes, or more enterprises, than one call may bring."""

    code = "request.size"


class RepeatConflict(RequestError):
    """An idempotency key that came with another call before, or whose first call still runs."""

    code = "request.repeat"


class ToolProblem(CityLLMError):
    """A tool call that the model can mend: told to it, never shown as a failure of the program."""

    code = "tool"
