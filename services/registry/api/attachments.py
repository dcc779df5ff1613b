"""Files: papers handed in as evidence, and tables to be imported."""

from services.chassis.attachments.routes import attachments_router

router = attachments_router(
    "/v1/registry/attachments", write_scope="registry.attachment.write", read_scope="registry.attachment.read", units=True
)
