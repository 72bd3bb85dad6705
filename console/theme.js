try {
  const theme = localStorage.getItem('stockroom-theme')
  if (theme) document.documentElement.dataset.theme = theme
} catch {}
