"""The glossary of a report: each term with its formula or method, and where it comes from."""

from gnomon.audit.report.terms.representation import REPRESENTATION_TERMS
from gnomon.audit.report.terms.withstanding import WITHSTANDING_TERMS
from gnomon.audit.topics.boundary.terms import BOUNDARY_TERMS
from gnomon.audit.topics.certificates.terms import CERTIFICATES_TERMS
from gnomon.audit.topics.gradients.terms import GRADIENTS_TERMS
from gnomon.audit.topics.lipschitz.terms import LIPSCHITZ_TERMS
from gnomon.audit.topics.parameters.terms import PARAMETERS_TERMS
from gnomon.audit.topics.weights.terms import WEIGHTS_TERMS

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
