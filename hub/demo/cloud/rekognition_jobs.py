"""Stored-video jobs whose results come in pages, and the message that says a job is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hub.demo.cloud.rekognition_fault import RefusedError

Body = dict[str, Any]
MEMBERS = {
    "GetLabelDetection": "Labels",
    "GetTextDetection": "TextDetections",
    "GetFaceDetection": "Faces",
    "GetContentModeration": "ModerationLabels",
}
VERSIONS = {
    "GetLabelDetection": {"LabelModelVersion": "3.0"},
    "GetTextDetection": {"TextModelVersion": "3.0"},
    "GetFaceDetection": {},
    "GetContentModeration": {"ModerationModelVersion": "7.0"},
}
VIDEO = {
    "Codec": "h264",
    "DurationMillis": 4000,
    "Format": "QuickTime / MOV",
    "FrameRate": 25.0,
    "FrameHeight": 360,
    "FrameWidth": 640,
}


@dataclass
class VideoJob:
    """One analysis that has ended; `found` are the items of its operation, in order of time."""

    job: str
    operation: str
    found: list[Body]
    status: str = "SUCCEEDED"
    bucket: str = "videos"
    key: str = "door.mp4"

    def notice(self, at_ms: int) -> str:
        """Return what Rekognition publishes to SNS when the job is done."""
        return json.dumps(
            {
                "JobId": self.job,
                "Status": self.status,
                "API": self.operation.replace("Get", "Start", 1),
                "Timestamp": at_ms,
                "Video": {"S3ObjectName": self.key, "S3Bucket": self.bucket},
            }
        )


@dataclass
class VideoJobs:
    """The jobs by id."""

    jobs: dict[str, VideoJob] = field(default_factory=dict)

    def add(self, job: VideoJob) -> VideoJob:
        """Keep one more job and return it."""
        self.jobs[job.job] = job
        return job

    def page(self, operation: str, request: Body) -> Body:
        """Answer one of the Get operations: MaxResults items from where NextToken says."""
        job = self.jobs.get(request["JobId"])
        if job is None or job.operation != operation:
            raise RefusedError("ResourceNotFoundException", "Could not find JobId")
        told: Body = {"JobStatus": job.status, "VideoMetadata": VIDEO, **VERSIONS[operation]}
        token = request.get("NextToken", "0")
        if not token.isdecimal() or int(token) > len(job.found):
            raise RefusedError("InvalidPaginationTokenException", "Invalid pagination token")
        begin, end = int(token), int(token) + request.get("MaxResults", 1000)
        more = {"NextToken": str(end)} if end < len(job.found) else {}
        return told | {MEMBERS[operation]: job.found[begin:end]} | more
