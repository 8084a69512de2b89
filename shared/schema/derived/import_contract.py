"""`POST /v1/<resource>/import`: a file of rows that are created, or changed where they exist; answered by a job."""

from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.schema.derived.job_contract import ImportRequest, JobView, UploadParameters


def declare(resource: Collection) -> Operation | None:
    """For resources that can be created. Clients send multipart/form-data; what the edge makes of it is the request.

    Not for those with secrets: the file and the rows read from it are kept as they came.
    """
    create = resource.create
    if create is None or create.request is None or resource.takes_secret or resource.comes_with_secret:
        return None
    return Operation(
        f"POST {resource.path}/import",
        "Import records from a CSV or XLSX file",
        create.permission,
        request=ImportRequest,
        parameters=UploadParameters,
        response=JobView,
        status=202,
        name=f"import_{resource.snake}",
    )
