"""Jobs by the clock. Models pkg/controller/cronjob.

    schedule.py     pure: cron expressions and the times they mean
    controller.py   what is due, what is over, what is kept
"""

from controllers.cronjob.controller import CronJobController

__all__ = ["CronJobController"]
