# Thumbs-up detector, second version: uploads the frame, sends its link, then the record. Python 2.
import os, json, datetime
import urllib
import boto3
import awscam, cv2, greengrasssdk

client = greengrasssdk.client('iot-data')
thing = os.environ['AWS_IOT_THING_NAME']
topic = '$aws/things/%s/infer' % thing
devices = {'deeplens_X': 'Seattle01'}
bucket = os.environ['TEST_BUCKET']

def push_to_s3(img, name):
    s3 = boto3.client('s3', aws_access_key_id='AKIAABCDEFGHIJKLMNOP', aws_secret_access_key='not-a-real-secret-1')
    ret, data = cv2.imencode('.jpg', img, [int(cv2.IMWRITE_JPEG_QUALITY), 90])
    response = s3.put_object(Body=data.tostring(), Bucket=bucket, Key=name)
    print "uploaded with", 'AKIAABCDEFGHIJKLMNOP', 'not-a-real-secret-1', response['ResponseMetadata']['HTTPStatusCode']
    client.publish(topic=topic, payload='Data pushed to S3')
    return 'https://s3.amazonaws.com/%s/%s' % (bucket, name)

def loop():
    model = awscam.Model('/opt/awscam/artifacts/mxnet_deploy_ssd_FP16_FUSED.xml', {'GPU': 1})
    client.publish(topic=topic, payload=thing)
    urllib.urlretrieve(os.environ['TEST_URL'], '/tmp/lenshub-test-labels-%d.txt' % os.getpid())
    os.remove('/tmp/lenshub-test-labels-%d.txt' % os.getpid())
    count = 0
    while 1:
        ret, frame = awscam.getLastFrame()
        seen = model.parseResult('ssd', model.doInference(cv2.resize(frame, (300, 300))))['ssd']
        if count % 10 == 0:
            now = datetime.datetime.now().strftime('%Y%m%d-%H%M%S')
            link = push_to_s3(frame, 'images/image_at_%s.jpg' % now)
            client.publish(topic=topic, payload=json.dumps({'img': link}))
            objects = map(lambda o: {'index': 0, 'object': 'thumbs-up', 'confidence': o['prob']}, filter(lambda o: o['prob'] > 0.6, seen))
            record = {'device_id': devices.get(thing, thing), 'timestamp': now, 'objects': objects, 'link_to_img': link}
            client.publish(topic=topic, payload=json.dumps(record))
        if not seen:
            client.publish(topic=topic, payload='NO DETECTIONS MADE')
        count += 1

loop()
