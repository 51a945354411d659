import greengrasssdk


def function_handler(event, context):
    return
