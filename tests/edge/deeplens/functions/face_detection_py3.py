"""Face detection, in the manner of the starter, Python 3: hand-built JSON with duplicate keys."""
import os

import awscam
import cv2
import greengrasssdk

client = greengrasssdk.client('iot-data')
iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])
model = awscam.Model('/opt/awscam/artifacts/mxnet_deploy_ssd_FP16_FUSED.xml', {'GPU': 1})
output_map = {1: 'face'}
client.publish(topic=iot_topic, payload='Face detection model loaded')
while True:
    ret, frame = awscam.getLastFrame()
    if not ret:
        raise Exception('Failed to get frame from the stream')
    width = frame.shape[1]
    half = cv2.resize(frame[:, :width / 2], (300, 300))
    parsed = model.parseResult('ssd', model.doInference(half))['ssd']
    label = '{'
    for obj in parsed:
        if obj['prob'] > 0.25:
            label += '"prob": {:.2f},'.format(obj['prob'])
    label += '"{}": "true"'.format(output_map[parsed[0]['label']])
    label += '}'
    client.publish(topic=iot_topic, payload=label)
