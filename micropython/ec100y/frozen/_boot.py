# Mounts the flash as the root folder, and makes a file system on it the first time.
import os
from ec100y import Flash

_flash = Flash()
try:
    os.mount(_flash, "/")
except OSError:
    os.VfsLfs2.mkfs(_flash)
    os.mount(_flash, "/")
