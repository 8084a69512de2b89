"""`POST /v1/<resource>/export`: what a list shows as a file, made by a job. (`GET …?format=csv` streams it at once.)"""

from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.schema.derived.job_contract import ExportRequest, JobView


def declare(resource: Collection) -> Operation | None:
    """For every list: a user who may read it may export it."""
    assert resource.list is not None
    return Operation(
        f"POST {resource.path}/export",
        "Make a CSV or XLSX file of a list",
        resource.list.permission,
        request=ExportRequest,
        response=JobView,
        status=202,
        name=f"export_{resource.snake}",
    )
