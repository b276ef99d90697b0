"""CertificateSigningRequests: approved, signed, cleaned up. Models pkg/controller/certificates."""

from controllers.certificates.approver import CSRApprovingController
from controllers.certificates.cleaner import CSRCleanerController
from controllers.certificates.signer import CSRSigningController

__all__ = ["CSRApprovingController", "CSRCleanerController", "CSRSigningController"]
