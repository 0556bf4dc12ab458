"""Users of an account, with keys of their own, and the policies that say what they may do."""

from oxbow.kernel.iam.decision import NOBODY, Authority, Decision, Reach, decide

__all__ = ["NOBODY", "Authority", "Decision", "Reach", "decide"]
