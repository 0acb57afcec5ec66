"""The glossary of a report: each term with its formula or method, and where it comes from."""

from gnomon.audit.report.terms.boundary import BOUNDARY_TERMS
from gnomon.audit.report.terms.certificates import CERTIFICATES_TERMS
from gnomon.audit.report.terms.gradients import GRADIENTS_TERMS
from gnomon.audit.report.terms.lipschitz import LIPSCHITZ_TERMS
from gnomon.audit.report.terms.parameters import PARAMETERS_TERMS
from gnomon.audit.report.terms.representation import REPRESENTATION_TERMS
from gnomon.audit.report.terms.weights import WEIGHTS_TERMS
from gnomon.audit.report.terms.withstanding import WITHSTANDING_TERMS

GLOSSARY = (
    *WITHSTANDING_TERMS,
    *CERTIFICATES_TERMS,
    *LIPSCHITZ_TERMS,
    *PARAMETERS_TERMS,
    *BOUNDARY_TERMS,
    *REPRESENTATION_TERMS,
    *GRADIENTS_TERMS,
    *WEIGHTS_TERMS,
)
