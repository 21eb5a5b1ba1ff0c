// Stands for the vendor's: a mutex is a handle of the operating system's.
#ifndef VENDOR_MPTHREADPORT_H
#define VENDOR_MPTHREADPORT_H

typedef int mp_thread_mutex_t;

void mp_thread_mutex_init(mp_thread_mutex_t *mutex);
int mp_thread_mutex_lock(mp_thread_mutex_t *mutex, int wait);
void mp_thread_mutex_unlock(mp_thread_mutex_t *mutex);

#endif
