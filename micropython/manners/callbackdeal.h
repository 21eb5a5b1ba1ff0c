// The vendor's thread that runs what is scheduled.
#pragma once

// Starts it; the calling thread holds the GIL. Its stack is small.
void callbackdeal_start(void);
