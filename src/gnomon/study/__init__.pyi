from .axes import (
    Axis as Axis,
    DrawnAxis as DrawnAxis,
    GridAxis as GridAxis,
    ListedAxis as ListedAxis,
    Range as Range,
    ZippedAxis as ZippedAxis,
)
from .conclusions import Conclusions as Conclusions, conclude as conclude
from .engines import Engine as Engine, Inline as Inline, RayEngine as RayEngine
from .forecast import Forecast as Forecast, foresee as foresee
from .report import Heading as Heading, write_study_report as write_study_report
from .results import Results as Results
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
from .study import Examination as Examination, Study as Study, read_study as read_study
from .tasks import Task as Task, TrialOutcome as TrialOutcome
from .trial_store import TrialStore as TrialStore
from .trials import Trial as Trial, count_trials as count_trials, trials_of as trials_of

__all__: list[str]
