from .axes import (
    Axis as Axis,
    Drawn as Drawn,
    Grid as Grid,
    Listed as Listed,
    Range as Range,
    Zipped as Zipped,
)
from .conclusions import (
    Conclusions as Conclusions,
    conclude as conclude,
)
from .engines import (
    Engine as Engine,
    Inline as Inline,
    RayEngine as RayEngine,
)
from .forecast import (
    Forecast as Forecast,
    foresee as foresee,
)
from .plan import (
    Trial as Trial,
    count_trials as count_trials,
    trials_of as trials_of,
)
from .report import (
    compare_audits as compare_audits,
    write_study_report as write_study_report,
)
from .run import (
    Prospect as Prospect,
    StudyObserver as StudyObserver,
    run_study as run_study,
    survey as survey,
)
from .statistics import (
    Above as Above,
    Below as Below,
    Differs as Differs,
    Falls as Falls,
    Greater as Greater,
    Hypothesis as Hypothesis,
    Less as Less,
    Rises as Rises,
    Verdict as Verdict,
    judge as judge,
)
from .store import (
    TrialStore as TrialStore,
)
from .study import (
    Examination as Examination,
    Study as Study,
    read_study as read_study,
)
from .work import (
    Outcome as Outcome,
    Task as Task,
)

__all__: list[str]
