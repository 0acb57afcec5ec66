"""The glossary of a report: each term with its formula or method, and where it comes from."""

from gnomon.audit.report.terms.representation import REPRESENTATION_TERMS
from gnomon.audit.report.terms.withstanding import WITHSTANDING_TERMS

GLOSSARY = (*WITHSTANDING_TERMS, *REPRESENTATION_TERMS)
