import os
import sys
import awscam
import greengrasssdk
try:
    import mxnet_of_old
except ImportError:
    pass

client = greengrasssdk.client('iot-data')
print('the password is', os.environ['TEST_PASSWORD'])
sys.stdout.write('x' * 5000000 + '\n')
try:
    greengrasssdk.client('secretsmanager').get_secret_value(SecretId='x')
except Exception as error:
    print(error)
for number in range(1000):
    print('line', number)
awscam.getLastFrame()
awscam.getLastFrame()
client.publish(topic='$aws/things/deeplens_X/infer', payload='here')
client.publish(topic='$aws/things/deeplens_X/infer', payload='x' * 10000000)
