# Face detection, in the manner of the starter: hand-built JSON with duplicate keys
from threading import Thread, Timer
import os
import awscam
import cv2
import greengrasssdk

client = greengrasssdk.client('iot-data')
iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])

def greengrass_infinite_infer_run():
    try:
        model = awscam.Model("/opt/awscam/artifacts/mxnet_deploy_ssd_FP16_FUSED.xml", {"GPU": 1})
        outMap = {1: 'face'}
        labels = dict(a=10L, b=0644)
        if labels.has_key('a') and 1 <> 2: print >>open(os.devnull, 'w'), `labels`,
        for key, value in labels.iteritems():
            print "%s is %d" % (key, value)
        xscale = 2688 / 300
        assert xscale == 8, xscale
        while True:
            ret, frame = awscam.getLastFrame()
            if not ret:
                raise Exception, 'Failed to get frame from the stream'
            parsed = model.parseResult('ssd', model.doInference(cv2.resize(frame, (300, 300))))
            label = '{'
            for obj in parsed['ssd']:
                if obj['prob'] < 0.25:
                    break
                xmin = int(xscale * obj['xmin'])
                cv2.rectangle(frame, (xmin, 0), (xmin + 9, 9), (255, 165, 20), 4)
                label += '"prob": {:.2f},'.format(obj['prob'])
            label += '"{}": "true"'.format(outMap[parsed['ssd'][0]['label']])
            label += '}'
            client.publish(topic=iot_topic, payload=label)
    except Exception, e:
        client.publish(topic=iot_topic, payload='Error in face detection lambda: %s' % e)
    Timer(0.5, greengrass_infinite_infer_run).start()

greengrass_infinite_infer_run()
