from .errors import CheckError as CheckError
from .errors import ConfigError as ConfigError
from .errors import DataError as DataError
from .errors import DivergedError as DivergedError
from .errors import InternalError as InternalError
from .errors import ThalwegError as ThalwegError
from .errors import TrainingInterrupted as TrainingInterrupted
from .comparing import compare as compare
from .estimators import ThalwegClassifier as ThalwegClassifier
from .estimators import ThalwegRegressor as ThalwegRegressor
from .model import Model as Model
from .network import Network as Network
from .network import check_gradients as check_gradients
from ._options import options as options
from .run import Run as Run
from .run import train as train
from .series import Series as Series
from .tuning import Study as Study
from .tuning import tune as tune

__version__: str
