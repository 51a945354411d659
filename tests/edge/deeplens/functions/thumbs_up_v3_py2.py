# Thumbs-up detector, later version, Python 2: one record per frame
import datetime, json, os
import awscam, cv2, greengrasssdk
from threading import Timer

client = greengrasssdk.client('iot-data')
thing = os.environ['AWS_IOT_THING_NAME']
names = {'deeplens_HoVip9KQTXiC3UFub47lJA': u'Seattle01', 'deeplens_another': u'Chicago01'}

def run():
    try:
        model = awscam.Model('/opt/awscam/artifacts/deploy_model_algo_1.xml', {'GPU': 1})
        client.publish(topic='$aws/things/{}/infer'.format(thing), payload='Object detection model loaded')
        while 1:
            ok, frame = awscam.getLastFrame()
            if not ok:
                raise IOError, 'no frame'
            height, width = frame.shape[:2]
            middle = frame[0:height, (width - height) / 2:width - (width - height) / 2]
            raw = model.doInference(cv2.resize(middle, (512, 512)))
            found = filter(lambda o: o['prob'] > 0.9, model.parseResult('ssd', raw)['ssd'])
            print 'found', len(found)
            record = {'device_id': names.get(thing, thing), 'timestamp': datetime.datetime.now().strftime('%Y%m%d-%H%M%S')}
            record['objects'] = [dict(index=i, object='thumbs-up', confidence=o['prob']) for i, o in enumerate(found)]
            client.publish(topic='$aws/things/{}/infer'.format(thing), payload=json.dumps(record))
    except Exception, e:
        client.publish(topic='$aws/things/{}/infer'.format(thing), payload='Error in object detection lambda: ' + str(e))
    Timer(15, run).start()

run()
