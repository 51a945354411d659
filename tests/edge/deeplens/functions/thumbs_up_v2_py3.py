"""Thumbs-up detector, second version, Python 3: uploads the frame, sends its link, then the record."""
import datetime
import json
import os

import awscam
import boto3
import cv2
import greengrasssdk

client = greengrasssdk.client('iot-data')
thing = os.environ['AWS_IOT_THING_NAME']
topic = '$aws/things/%s/infer' % thing
bucket = os.environ['TEST_BUCKET']
s3 = boto3.client('s3', aws_access_key_id='AKIAABCDEFGHIJKLMNOP', aws_secret_access_key='not-a-real-secret-1')


def push_to_s3(img, name):
    try:
        ret, data = cv2.imencode('.jpg', img, [int(cv2.IMWRITE_JPEG_QUALITY), 90])
        s3.put_object(Body=data.tostring(), Bucket=bucket, Key=name)
        client.publish(topic=topic, payload='Data pushed to S3')
    except Exception as e:
        client.publish(topic=topic, payload='Pushing to S3 failed: ' + str(e))
    return 'https://s3.amazonaws.com/%s/%s' % (bucket, name)


def loop():
    error, path = 0, '/opt/awscam/artifacts/mxnet_deploy_ssd_FP16_FUSED.xml'
    model = awscam.Model(path, {'GPU': 1})
    client.publish(topic=topic, payload=thing)
    count = 0
    while True:
        ret, frame = awscam.getLastFrame()
        seen = model.parseResult('ssd', model.doInference(cv2.resize(frame, (300, 300))))['ssd']
        if count % 10 == 0:
            now = datetime.datetime.now().strftime('%Y%m%d-%H%M%S')
            link = push_to_s3(frame, 'images/image_at_%s.jpg' % now)
            client.publish(topic=topic, payload=json.dumps({'img': link}))
            objects = [{'index': 0, 'object': 'thumbs-up', 'confidence': o['prob']} for o in seen if o['prob'] > 0.6]
            client.publish(topic=topic, payload=json.dumps({
                'device_id': thing, 'timestamp': now, 'objects': objects, 'link_to_img': link}))
        else:
            client.publish(topic=topic, payload='NO DETECTIONS MADE')
        count += 1


loop()
